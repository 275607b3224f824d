"""What the command `unet-course` does. No lesson imports anything from here but `doctor`.

`cli` reads the arguments. `open_jupyterlab`, `doctor`, `run_lesson`, `export_lesson` and
`class_progress` are its verbs; `fetch` gets data sets, `check` examines them, `opening` prepares a
student's copies of the lessons.
"""

from unet_course.commands.opening import python_path

python_path.clean()
