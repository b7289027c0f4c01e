"""One script per figure: SIZE in inches, CAPTION, ALT, and draw(fig). `python3 course.py figures` makes them all."""
