"""The ``poseid`` command: its subcommands, its exit statuses, and how errors are shown; no logic.

Each subcommand is one module of this package, found by its ``NAME``. Its docstring is its help, ``HELP`` is its line
in ``poseid --help``, ``add_arguments`` declares its options, and ``run`` does the work. What is heavy is imported in
``run``, within `importing`, so that ``poseid --help`` is fast and Ctrl-C ends an import in one line.

Exit status: 0 done; 2 the input or the call is wrong, one line on stderr; 130 on Ctrl-C; 1 anything else.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import pkgutil
import sys
from collections.abc import Sequence
from typing import NoReturn

import poseid
from poseid.errors import InputError

_MODULES = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
COMMANDS = [module for module in _MODULES if hasattr(module, "NAME")]
TRACEBACK = "POSEID_TRACEBACK"


class Parser(argparse.ArgumentParser):
    """Tells what is wrong with a call in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message} (see {self.prog} --help)\n")


def make_parser() -> Parser:
    """The parser of all subcommands."""
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
        one.set_defaults(run=command.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    for stream in (sys.stdout, sys.stderr):
        # names in any script must not end a command on a terminal that cannot show them
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = make_parser().parse_args(arguments)
        options.run(options)
    except InputError as error:
        return _failed(f"error: {' '.join(str(error).split())}", 2)
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
        if isinstance(error, UnicodeEncodeError) and any("\ud800" <= char <= "\udfff" for char in error.object):
            return _failed(f"error: {ascii(error.object)[:200]}: the name of a file is not UTF-8: rename it", 2)
        package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
        if package not in ("", "poseid"):  # such as torch, where only numpy and onnxruntime are installed
            return _failed(f"error: this command needs the package {package}: pip install {package}", 2)
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
