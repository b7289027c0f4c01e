"""Files that cannot be read, and what is not there: every error says what was given, what is needed, what to do."""

import pytest

import toycore
from toycore import data


def test_an_unknown_module():
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = toycore.nothing


CSV = {
    "empty": ("", "holds 0 points", "at least two"),
    "header only": ("x,y\n", "holds 0 points", "at least two"),
    "one point": ("1,2\n", "holds 1 points", "at least two"),
    "one column": ("x\n1\n2\n", "line 2 reads '1'", "two numbers x,y"),
    "four columns": ("1,2\n1,2,3,4\n", "line 2 reads '1,2,3,4'", "two numbers x,y"),
    "words": ("1,2\n3,four\n", "line 2 reads '3,four'", "two numbers x,y"),
    "semicolons": ("1;2\n3;4\n", "reads '3;4'", "two numbers x,y"),
    "NaN": ("x,y\n1,2\nnan,4\n5,6\n", "line 3 reads 'nan,4'", "remove"),
    "half a first line": ("1,two\n3,4\n5,6\n", "line 1 reads '1,two'", "two numbers x,y"),
    "one point twice": ("1,2\n1,2\n", "2 times the same point", "two different points"),
}


@pytest.mark.parametrize("name", CSV)
def test_csv_errors(tmp_path, name):
    text, given, needed = CSV[name]
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        data.from_csv(path)
    assert all(part in str(caught.value) for part in ("points.csv", given, needed)), caught.value


def test_csv_that_is_no_text(tmp_path):
    path = tmp_path / "points.csv"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ValueError, match=r"points\.csv is not a text file .*UTF-8"):
        data.from_csv(path)


@pytest.mark.parametrize("read", [data.from_csv, data.from_image])
def test_missing_file(tmp_path, read):
    with pytest.raises(FileNotFoundError, match=r"no file .*nowhere.*; give the path"):
        read(tmp_path / "nowhere.png")


def test_image_errors(tmp_path):
    from PIL import Image

    white, text = tmp_path / "white.png", tmp_path / "text.png"
    Image.new("RGB", (5, 5), (250, 250, 250)).save(white)
    text.write_text("no picture")
    with pytest.raises(ValueError, match=r"white\.png has no pixel darker than 0\.5 \(darkest: 0\.98\); raise dark="):
        data.from_image(white)
    with pytest.raises(ValueError, match=r"text\.png cannot be read as a picture .*save it as PNG"):
        data.from_image(text)
    with pytest.raises(ValueError, match="n is 0"):
        data.from_image(white, n=0, dark=1.0)
