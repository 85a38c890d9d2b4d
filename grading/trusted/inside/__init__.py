"""What a kernel sees, at other places, instead of what it may not see; nothing here is imported on this side."""
