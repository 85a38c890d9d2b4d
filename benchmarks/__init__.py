"""Side by side with the packages people know; each module is one command."""
