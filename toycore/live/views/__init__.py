"""The views, a room each: its controls and their values, what the page gets, and its still.

A new view is a module here with one public function that returns a `View`, a scene of the same name for the page, and
one line in `toycore.live`.
"""
