"""What runs as a program: `course.py demo`, `preflight`, `export` and `weights` start the modules of this folder."""
