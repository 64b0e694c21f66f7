"""Bad overrides of train.py."""

from __future__ import annotations

from tests.corpus.cases import cases_of_a_command, training

OVERRIDES = {
    **{f"{group}_null": [f"{group}=null"] for group in ("data", "model", "loss", "schedule", "trainer", "logger")},
    "callbacks_null": ["callbacks=null"],
    **{
        f"takes_away_{key}": [f"~{key}"]
        for key in ("logger", "data.dir", "model", "objective", "trainer.devices", "seed")
    },
    "two_loggers": ["logger=[wandb,csv]"],
    "two_losses": ["loss=[before,after]"],
    "two_experiments_added": ["+experiment=[before,historic]"],
    "null_among_choices": ["-m", "loss=before,null"],
    "interval_without_a_search": ["-m", "lambda_id=interval(1,3)"],
    "interval_with_a_launcher_only": ["-m", "sweep=joblib", "lr=tag(log,interval(1e-5,1e-3))"],
    "interval_in_a_single_run": ["lambda_id=interval(1,3)"],
    "figures_every_so_many_steps": ["trainer.log_every_n_steps=5"],
    "figures_every_so_many_steps_added": ["+trainer.log_every_n_steps=5"],
    "figures_every_so_many_steps_in_a_multirun": ["-m", "++trainer.log_every_n_steps=5,10"],
    "a_trial_of_minus_three_batches": ["trainer.fast_dev_run=-3"],
    "overfitting_more_than_all_batches": ["trainer.overfit_batches=1.5"],
    "sweep_dir_with_a_question_mark": ["-m", "hydra.sweep.dir=sw?x", "seed=1,2"],
    "sweep_dir_below_a_question_mark": ["-m", "hydra.sweep.dir='a?/sweep'", "seed=1,2"],
}
cases_of_a_command({f"override_{name}": training(*arguments) for name, arguments in OVERRIDES.items()})
