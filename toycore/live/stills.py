"""Still twins of the views, drawn with matplotlib for print and for readers without scripts."""

from typing import Any


def field(view: Any) -> Any:
    """Draw the field view as it stands."""
    raise NotImplementedError


def forward(view: Any) -> Any:
    """Draw the forward view as it stands."""
    raise NotImplementedError


def walk(view: Any) -> Any:
    """Draw the walk view as it stands."""
    raise NotImplementedError


def guidance(view: Any) -> Any:
    """Draw the guidance view as it stands."""
    raise NotImplementedError


def density(view: Any) -> Any:
    """Draw the density view as it stands."""
    raise NotImplementedError


def training(view: Any) -> Any:
    """Draw the training view as it stands."""
    raise NotImplementedError


def frames(view: Any) -> Any:
    """Draw the frames view as it stands."""
    raise NotImplementedError
