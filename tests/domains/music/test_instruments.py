import pytest

from composer.domains.music.instruments import PROGRAM_NAMES, parse_program, parse_programs
from composer.errors import UsageError


def test_there_are_128_different_instruments():
    assert len(set(PROGRAM_NAMES)) == 128


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0, "Acoustic Grand Piano"),
        (24, "Acoustic Guitar (nylon)"),
        (40, "Violin"),
        (52, "Choir Aahs"),
        (73, "Flute"),
        (110, "Fiddle"),
        (127, "Gunshot"),
    ],
)
def test_names_stand_at_their_general_midi_number(number: int, name: str):
    assert PROGRAM_NAMES[number] == name


@pytest.mark.parametrize("program", range(128))
def test_number_and_name_agree(program: int):
    name = PROGRAM_NAMES[program]
    assert parse_program(program) == parse_program(str(program)) == program
    assert parse_program(name) == parse_program(f"  {name.upper().replace(' ', '-')} ") == program


@pytest.mark.parametrize(
    ("text", "name"),
    [("piano", "Acoustic Grand Piano"), ("harpsi", "Harpsichord"), ("sax", "Alto Sax")],
)
def test_everyday_names_and_unique_parts_are_enough(text: str, name: str):
    assert PROGRAM_NAMES[parse_program(text)] == name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("violln", "Violin"),
        ("clarinett", "Clarinet"),
        ("synth", "Synth Bass 1, Synth Bass 2"),
        ("zzzz", "0 to 127"),
        ("", "0 to 127"),
        ("128", "0 to 127"),
        ("-1", "0 to 127"),
        ("9" * 5000, "0 to 127"),
    ],
)
def test_what_does_not_exist_is_refused_with_advice(text: str, says: str):
    with pytest.raises(UsageError, match=says.replace("(", r"\(")):
        parse_program(text)


def test_one_instrument_for_all_voices_or_one_each():
    assert parse_programs("violin", 3) == (40, 40, 40)
    assert parse_programs(19, 2) == (19, 19)
    assert parse_programs("violin, 41 ,cello,contrabass", 4) == (40, 41, 42, 43)


@pytest.mark.parametrize(("text", "voices"), [("violin,viola", 4), ("violin,viola", 1), ("40,", 2)])
def test_another_number_of_instruments_is_refused(text: str, voices: int):
    with pytest.raises(UsageError, match="instrument"):
        parse_programs(text, voices)
