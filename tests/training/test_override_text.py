"""Values of keys that hold text reach the configuration as they were typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser

from poseid.training.arguments import hydra_arguments
from poseid.training.override_text import TEXTS, quote_value, quoted, unquoted
from train import CONF

TYPED = [
    *("o'brien", "a,b", "faces(1)", "date=2024", "epoch=3-step=10.ckpt", "a#b", "#", "a&b", "[a]", "{a}", "[a", "a:b"),
    *(
        "2024_01_01",
        "20240101",
        "1e3",
        "true",
        "nan",
        "0x10",
        "a b",
        " a",
        "C:\\faces\\",
        'say "a"',
        "数据",
        "a\\'b",
        "'",
    ),
    *("choice(a,b)", "it''s", "plain/path.ckpt", "-1", "a;b", "50%", "a*?", "@a", "a|b", "!a", "`a`"),
]


@pytest.mark.parametrize("text", TYPED)
@pytest.mark.parametrize("key", ["data.dir", "+hydra.run.dir", "init_from", "logger.project"])
def test_a_text_is_taken_as_typed(key: str, text: str) -> None:
    override = OverridesParser.create().parse_override(quote_value(f"{key}={text}"))
    value = override.value()
    assert getattr(value, "text", value) == text
    assert not isinstance(value, bool | int | float)
    assert quote_value(quote_value(f"{key}={text}")) == quote_value(f"{key}={text}")
    assert unquoted(quoted(text)) == text


@pytest.mark.parametrize("text", [text for text in TYPED if "\\" not in text])
def test_it_is_in_the_configuration(text: str) -> None:
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("config", [quote_value(f"data.dir={text}")])
    assert config.data.dir == text


def test_in_a_multirun_a_comma_is_a_choice() -> None:
    parse = OverridesParser.create().parse_override
    swept = parse(quote_value("data.dir=faces(1),20240101", multirun=True))
    assert swept.is_choice_sweep()
    assert [getattr(value, "text", value) for value in swept.value().list] == ["faces(1)", "20240101"]
    assert parse(quote_value("hydra.sweep.dir=a,b", multirun=True)).value() == "a,b"


def test_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("USERPROFILE", "/home/me")
    faces, runs = hydra_arguments(["data.dir=~/faces", "logger.project=~/x"])
    assert unquoted(faces.partition("=")[2]) == str(Path("/home/me")) + "/faces"
    assert unquoted(runs.partition("=")[2]) == "~/x"


def test_every_path_of_the_configuration_is_a_text() -> None:
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("config", ["logger=wandb"])
    named = {f"data.{key}" for key in config.data if key == "dir" or str(key).endswith("_people")}
    named -= {"data.synthetic_people"}
    assert named | {"resume", "ckpt_path", "init_from"} <= set(TEXTS)
