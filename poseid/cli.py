"""The ``poseid`` command: subcommands, exit statuses and how errors are shown; no logic.

Exit status: 0 done; 2 the input or the call is wrong, one line on stderr; 130 on Ctrl-C; 1 anything else.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import poseid
from poseid.commands import (
    baseline,
    compare,
    dashboard,
    doctor,
    enhance,
    evaluate,
    export,
    import_table,
    sweep,
    synthetic,
)
from poseid.errors import InputError
from poseid.interrupt import importing

COMMANDS = (import_table, doctor, evaluate, compare, enhance, export, sweep, dashboard, baseline, synthetic)
TRACEBACK = "POSEID_TRACEBACK"


class Parser(argparse.ArgumentParser):
    """Tells what is wrong with a call in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message} (see {self.prog} --help)\n")


def make_parser() -> Parser:
    """The parser of all subcommands; nothing heavy is imported for it."""
    parser = Parser(prog="poseid", description="Take the head pose out of face vectors, and prove that it helped.")
    parser.add_argument("--version", action="version", version=f"poseid {poseid.__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        one = commands.add_parser(
            command.NAME,
            help=command.HELP,
            description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(one)
        one.set_defaults(run=command.run, needs=f"{command.__name__}_run")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    for stream in (sys.stdout, sys.stderr):
        # names in any script must not end a command on a terminal that cannot show them
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = make_parser().parse_args(arguments)
        with importing():
            importlib.import_module(options.needs)
        options.run(options)
    except InputError as error:
        return _failed(f"error: {' '.join(str(error).split())}", 2)
    except ModuleNotFoundError as error:  # such as torch, where only numpy and onnxruntime are installed
        return _failed(f"error: this command needs the package {error.name}: pip install {error.name}", 2)
    except KeyboardInterrupt:
        return _failed("stopped", 130)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    except MemoryError as error:
        return _failed(f"error: not enough memory ({' '.join(str(error).split())}): give less at a time", 1)
    except OSError as error:  # such as a full disk
        _show_where()
        where = f"{error.filename}: " if error.filename is not None else ""
        return _failed(f"error: {where}{error.strerror or error}", 1)
    except Exception as error:
        _show_where()
        what = " ".join(f"{type(error).__name__}: {error}".split())
        return _failed(f"error: unexpected {what} (set {TRACEBACK}=1 to see where)", 1)
    return 0


def _show_where() -> None:
    if os.environ.get(TRACEBACK) == "1":
        import traceback

        traceback.print_exc()


def _failed(line: str, status: int) -> int:
    print(line, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
