"""Your own pictures: a folder with them, or with one folder per class."""

from pathlib import Path

import torch
from torch import Tensor

from toycore.checks import named, positive
from toycore.images.sets import Pictures

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}


def load(path: str | Path, size: int = 32) -> Pictures:
    """Read a folder of pictures, cut to the central square and scaled to size x size, RGB; subfolders are classes.

    Hidden files and folders and __MACOSX, which systems leave behind, are passed over.
    """
    if not isinstance(path, (str, Path)):
        raise TypeError(f"path is {named(path)}; it must be the path of a folder of pictures")
    folder = Path(path)
    positive(size, "size")
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; give one with pictures, or with one folder per class")
    found = (file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    files = sorted(file for file in found if not any(map(_is_left_behind, file.relative_to(folder).parts)))
    if not files:
        raise ValueError(f"{folder} holds no picture; it needs files that end in {', '.join(sorted(SUFFIXES))}")
    kinds = [file.relative_to(folder).parts[0] if file.parent != folder else "all" for file in files]
    names = tuple(dict.fromkeys(kinds))
    images = torch.stack([_picture(file, size) for file in files])
    return Pictures(images, torch.tensor([names.index(kind) for kind in kinds]), names)


def _is_left_behind(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"


def _picture(file: Path, size: int) -> Tensor:
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            page = ImageOps.fit(image.convert("RGB"), (size, size))
    except OSError as error:
        raise ValueError(f"{file} cannot be read as a picture ({type(error).__name__}); mend or remove it") from None
    return torch.frombuffer(bytearray(page.tobytes()), dtype=torch.uint8).reshape(size, size, 3).permute(2, 0, 1)
