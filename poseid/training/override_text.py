"""Overrides of the command line: texts as they are typed, and what Hydra would end badly on is refused."""

from __future__ import annotations

import re
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from poseid.errors import InputError

PATHS = (
    *("data.dir", "data.train_people", "data.validation_people", "data.test_people"),
    *("resume", "ckpt_path", "init_from", "hydra.run.dir", "hydra.sweep.dir"),
)
TEXTS = (*PATHS, "logger.project", "logger.entity", "logger.group")
"""Keys whose values are taken as they are typed: ``2024_01_01`` is no number there, and ``[a]`` no list."""
NO_HYDRA_FILES, NO_LOG = "hydra.output_subdir=null", "hydra/job_logging=disabled"
WITHOUT_SWEEP_SUMMARY = "~hydra.callbacks.multirun"
"""What folds that train side by side are started with: they are no sweep, so nothing is said of one."""
ONE_CHOICE = ("data", "model", "loss", "schedule", "trainer", "logger", "callbacks", "experiment")
"""Groups of which a run has one choice, and all but the last cannot be left out."""


def key_of(argument: str) -> str:
    """The key that an override names, or the option that an argument is.

    >>> key_of("++data.dir=a=b"), key_of("~trainer"), key_of("-m")
    ('data.dir', 'trainer', '-m')
    """
    return argument.lstrip("+~").partition("=")[0]


def quote_value(argument: str, multirun: bool = False) -> str:
    """Quotes the value of ``key=value`` where Hydra would take it for something else than the text that it is.

    Values of :data:`TEXTS` are taken as typed, with ``~`` for the home directory. Of other keys, values with other
    scripts, blanks or backslashes are quoted. Values that already are quoted pass through. In a multirun each choice of
    ``a,b`` is quoted by itself.

    >>> quote_value("data.dir=a,b"), quote_value("data.dir=a,(b)", multirun=True), quote_value("data.dir='a b'")
    ("data.dir='a,b'", "data.dir=a,'(b)'", "data.dir='a b'")
    >>> quote_value("lambda_id=1,2"), quote_value("data.dir=2024_01_01"), quote_value("data.dir=数据")
    ('lambda_id=1,2', "data.dir='2024_01_01'", "data.dir='数据'")
    """
    key, equals, value = argument.partition("=")
    if not equals or key.startswith("-") or value in ("", "null"):
        return argument
    name = key_of(argument)
    if name in TEXTS:
        if unquoted(value) != value or (multirun and re.match(r"choice\(|['\"]", value)):
            return argument
        choices = value.split(",") if multirun and not name.startswith("hydra.") else [value]
        if name in PATHS:
            choices = [str(Path(choice).expanduser()) if choice.startswith("~") else choice for choice in choices]
        return f"{key}={','.join(choice if reads_back(choice) else quoted(choice) for choice in choices)}"
    if value[:1] in ("'", '"', "[", "{"):
        return argument
    if all(character.isascii() and character not in " \\" for character in value):
        return argument
    return f"{key}={','.join(quoted(choice) for choice in value.split(','))}"


def reads_back(text: str) -> bool:
    """Whether Hydra's grammar takes an unquoted text for just this text."""
    try:
        return bool(OverridesParser.create().parse_override(f"key={text}").value() == text)
    except HydraException:
        return False


def quoted(text: str) -> str:
    """A text as Hydra's override grammar reads it back, with any character in it.

    Backslashes stand for themselves except before a quote and at the end, where they are doubled.

    >>> quoted("it's")
    "'it\\\\'s'"
    """
    inside = re.sub(r"(\\*)'", r"\1\1\'", text)
    return "'" + re.sub(r"(\\+)$", r"\1\1", inside) + "'"


def unquoted(value: str) -> str:
    """What :func:`quoted` was given; a value without quotes around it as it is.

    >>> unquoted(quoted("it's")), unquoted("o'brien")
    ("it's", "o'brien")
    """
    if len(value) < 2 or value[0] not in "'\"" or value[-1] != value[0]:
        return value
    quote = value[0]
    inside = re.sub(rf"(\\+){quote}", lambda found: found[1][: len(found[1]) // 2] + quote, value[1:-1])
    return re.sub(r"(\\+)$", lambda found: found[1][: len(found[1]) // 2], inside)


def check_overrides(arguments: list[str], multirun: bool) -> None:
    """Refuses overrides that Hydra ends with a traceback, or of which it silently takes a part.

    Raises:
        InputError: a key is taken away, a group has no choice or several, a search has no algorithm, or a key that
            Lightning has would mean nothing here.
    """
    searches = any(
        re.match(r"\+?sweep=.*(optuna|weights|enhancer|schedule)|hydra/sweeper=", item) for item in arguments
    )
    for argument in arguments:
        if argument.startswith("~") and argument != WITHOUT_SWEEP_SUMMARY:
            raise InputError(f"{argument}: keys cannot be taken away: leave it out, or give the key another value")
        name, value = key_of(argument), argument.partition("=")[2]
        if name == "trainer.log_every_n_steps":
            raise InputError(f"{name}: does not exist: all figures are logged once an epoch; leave it out")
        if name in ONE_CHOICE:
            if value.startswith("["):
                raise InputError(
                    f"{name}: takes one choice, got {value}: give one; to try several, add -m and write "
                    f"{name}={value.strip('[]').replace(' ', '')}"
                )
            if name != "experiment" and {choice.strip() for choice in value.split(",")} & {"", "null"}:
                raise InputError(f"{name}: should be one of the files in conf/{name}, got {value or 'nothing'}")
        elif name not in TEXTS and re.search(r"\binterval\(", value) and not (multirun and searches):
            raise InputError(f"{name}: {value} needs an algorithm that draws from it: add -m sweep=optuna")
