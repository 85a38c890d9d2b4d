"""Marking for gradsheet: the judge, the sheets, the notebook's side, the trusted side and the course desk."""
