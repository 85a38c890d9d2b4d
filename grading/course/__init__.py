"""The instructor's desk: masters to assignments and solutions, submissions to marks, feedback and a report."""
