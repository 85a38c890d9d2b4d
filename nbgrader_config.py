"""nbgrader's configuration of this course. What makes grading trusted is set in one place, for every course alike."""

from grading.course.settings import configure

c = get_config()

c.CourseDirectory.course_id = "gradsheet"
configure(c)
