"""Train an enhancer: compose the configuration, train, report. See README.md and conf/config.yaml.

python train.py data=folder data.dir=DIR loss=after lambda_id=3.0
python train.py -m loss=before,after lambda_id=1,2,3
python train.py resume=RUN_DIR
"""

from __future__ import annotations

from poseid.__main__ import use_utf8
from poseid.interrupt import importing

if __name__ == "__main__":
    use_utf8(__file__)

with importing():
    import io
    import sys
    from pathlib import Path

    import hydra
    from omegaconf import DictConfig

    from poseid.errors import InputError
    from poseid.training.arguments import AlreadyFinished, hydra_arguments
    from poseid.training.command import run_job
    from poseid.training.processes import process_arguments

CONF = str(Path(__file__).resolve().parent / "conf")


@hydra.main(version_base="1.3", config_path=CONF, config_name="config")
def train(config: DictConfig) -> float | tuple[float, ...]:
    return run_job(config)


def main(arguments: list[str]) -> int:
    """Runs the command and returns its exit status: 0 done, 2 wrong input, 130 Ctrl-C, 1 anything else."""
    for stream in (sys.stdout, sys.stderr):
        # A name that a terminal cannot show must not end a run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        arguments = hydra_arguments(arguments)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except AlreadyFinished as done:
        print(done)
        return 0
    try:
        with process_arguments(arguments) as sys.argv[1:]:
            train()
    except KeyboardInterrupt:
        return 130
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
