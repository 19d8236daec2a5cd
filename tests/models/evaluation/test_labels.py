from collections.abc import Callable
from pathlib import Path

import pytest

from models.errors import BadLabels
from models.evaluation.labels import Clip, Pair, Presentation, persons_of, read_attacks, read_clips, read_pairs

Read = Callable[[Path], object]


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str | bytes], Path]:
    for name in "abcd":
        (tmp_path / f"{name}.png").touch()

    def write(text: str | bytes) -> Path:
        path = tmp_path / "labels.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_the_three_tables(table: Callable[[str], Path], tmp_path: Path) -> None:
    clips = read_clips(table("\ufefffile,person,faces,notes\na.png,A,1,a hand\nb.png,,0,\n"))
    assert clips == (Clip(path=tmp_path / "a.png", person="A"), Clip(path=tmp_path / "b.png", person=None))
    pairs = read_pairs(table("file_x,file_y,same\na.png,b.png,1\na.png,c.png,False\n"))
    assert [pair.same for pair in pairs] == [True, False]
    assert read_attacks(table("label,file\nlive,a.png\nprint,b.png\n"))[1] == Presentation(path=tmp_path / "b.png", kind="print")


@pytest.mark.parametrize(
    ("read", "text", "words"),
    [
        (read_clips, "", "no column file, person, faces"),
        (read_clips, "file,person\na.png,A\n", "no column faces"),
        (read_clips, "file,person,faces\n", "no rows"),
        (read_clips, "file,person,faces\nmissing.mkv,A,1\n", r"line 2: the file 'missing\.mkv' does not exist"),
        (read_clips, "file,person,faces\n,A,1\n", "the file '' does not exist"),
        (read_clips, "file,person,faces\na.png,A,two\n", "faces must be 0 or 1, not 'two'"),
        (read_clips, "file,person,faces\na.png,,1\n", "name the person"),
        (read_clips, "file,person,faces\na.png,A,0\n", "name the person, or put faces to 0"),
        (read_clips, "file,person,faces\na.png,A,1\na.png,A,1\n", "line 3: this row stands there twice"),
        (read_clips, "file,person,faces\na.png,A\n", "line 2: fewer values than columns"),
        (read_clips, b"file,person,faces\n\xff\xfe,A,1\n", "no comma-separated table in UTF-8"),
        (read_clips, 'file,person,faces\n"a.png" x,A,1\n', "no comma-separated table"),
        (read_pairs, "file_x,file_y,same\na.png,b.png,maybe\n", "same must be 0 or 1, not 'maybe'"),
        (read_pairs, "file_x,file_y,same\na.png,a.png,1\n", "compared with itself"),
        (read_pairs, "file_x,file_y,same\na.png,z.png,1\n", r"'z\.png' does not exist"),
        (read_attacks, "file,label\na.png,\n", "has no label"),
    ],
)
def test_what_is_wrong_is_named(table: Callable[[str | bytes], Path], read: Read, text: str | bytes, words: str) -> None:
    with pytest.raises(BadLabels, match=words):
        read(table(text))


def pair(first: str, second: str, same: bool) -> Pair:
    return Pair(first=Path(first), second=Path(second), same=same)


def test_persons_follow_from_pairs() -> None:
    persons = persons_of([pair("a", "b", True), pair("c", "d", True), pair("d", "a", True), pair("a", "e", False)])
    assert persons[Path("a")] == persons[Path("b")] == persons[Path("c")] == persons[Path("d")]
    assert persons[Path("e")] != persons[Path("a")]


def test_labels_that_contradict_each_other() -> None:
    with pytest.raises(BadLabels, match="c and a are labelled as different"):
        persons_of([pair("a", "b", True), pair("b", "c", True), pair("c", "a", False)])
