"""Bad commands and configurations."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.corpus.cases import case, cases, cases_of_a_command, evaluate, put, training


def run_directory(here: Path, overrides: object, hydra: object) -> list[str]:
    folder = here / "run" / ".hydra"
    folder.mkdir(parents=True)
    for name, content in (("overrides", overrides), ("hydra", hydra)):
        if isinstance(content, bytes):
            put(folder / f"{name}.yaml", content)
        elif content is not None:
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return ["train", "resume=run"]


BASELINE = "baseline ridge --data data --out out"
SYNTHETIC = "synthetic --people 3"

cases_of_a_command(
    {
        "output_in_place": "enhance ridge.onnx x.npy --out x.npy --force",
        "output_below_a_file": "enhance ridge.onnx x.npy --out x.npy/out.npy",
        "report_below_a_file": "evaluate raw --data data --resamples 10 --out x.npy/out",
        "export_below_a_file": "export ridge.safetensors --out x.npy/out.safetensors",
        "synthetic_below_a_file": f"{SYNTHETIC} --out x.npy/out",
        "doctor_below_a_file": "doctor data --out x.npy/out",
        "specification_below_a_file": "dashboard --out x.npy/out.json",
        "training_below_a_file": training("hydra.run.dir=x.npy/out"),
        "a_name_longer_than_the_system_takes": f"{SYNTHETIC} --out {'x' * 5000}",
        "nobody_to_make_up": "synthetic --people 0 --out out",
        "more_people_than_memory_holds": f"synthetic --people {'9' * 25} --out out",
        "a_seed_of_thirty_digits": f"{SYNTHETIC} --seed {'9' * 30} --out out",
        "a_negative_lambda_of_a_baseline": f"{BASELINE} --set lambda=-1",
        "a_lambda_that_is_not_a_number": f"{BASELINE} --set lambda=nan",
        "a_lambda_without_a_value": f"{BASELINE} --set lambda",
        "an_option_that_a_baseline_does_not_have": "compare ridge:lambd=10 --data data --out out",
        "a_fold_of_twenty_digits": f"{BASELINE} --folds {'9' * 20}",
        "more_resamples_than_memory_holds": evaluate("--resamples", "9" * 18),
        "a_seed_of_the_bootstrap_below_zero": evaluate("--seed", "-3"),
        "sets_of_no_frames": evaluate("--frames", "4,0"),
        "frames_that_are_no_numbers": evaluate("--frames", "1,two"),
        "a_list_of_frames_that_ends_with_a_comma": evaluate("--frames", "1,2,"),
        "a_number_of_frames_of_thirty_digits": evaluate("--frames", "9" * 30),
        "half_a_frame_in_a_comparison": "compare raw --data data --frames 0.5 --out out",
        "a_sweep_that_is_a_file": "sweep x.npy --out out",
        "training_with_a_negative_lambda": training("lambda_pose=-0.5"),
        "training_with_a_learning_rate_that_overflows": training("lr=1e400"),
        "training_with_a_learning_rate_out_of_reach": training("lr=1e30"),
        "training_with_a_word_for_epochs": training("max_epochs=many"),
        "training_with_more_epochs_than_an_int_holds": training("max_epochs=99999999999999999999999"),
        "training_with_a_list_for_a_number": training("batch_size=[1,2]"),
        "training_with_a_group_for_a_number": training("lambda_id={a:1}"),
        "training_with_an_interpolation_to_nowhere": training("lr='${nowhere.at.all}'"),
        "training_with_an_interpolation_to_itself": training("lr='${lr}'"),
        "training_with_shares_that_do_not_add_up": training("data.fractions=[0.9,0.9,0.9]"),
        "training_over_two_machines_without_a_launcher": training("trainer.num_nodes=2"),
        "training_over_no_machine": training("trainer.num_nodes=0"),
        "training_on_a_gpu_that_is_not_there": training("trainer.accelerator=mps", "trainer.devices=7"),
        "training_with_a_missing_file_of_names": training(
            "data.train_people=nowhere.txt", "data.validation_people=a.txt", "data.test_people=b.txt"
        ),
        "training_with_a_class_of_its_own": training("+model._target_=os.mkdir", "+model.path=sprung"),
        "training_with_an_objective_that_is_code": training("objective=['minimize __import__(\"os\").getcwd()']"),
    }
)


@case
def a_sweep_whose_jobs_are_garbage(here: Path) -> list[str]:
    hydra = here / "sweep" / "0" / ".hydra"
    hydra.mkdir(parents=True)
    for name in ("config.yaml", "hydra.yaml", "overrides.yaml"):
        put(hydra / name, b"\x00\xff: [")
    put(here / "sweep" / "multirun.yaml", b"{" * 5000)
    return ["poseid", "sweep", "sweep", "--out", "out"]


RUN = {"hydra": {"mode": "RUN"}}
RESUMED: dict[str, tuple[object, object]] = {
    "resume_where_overrides_are_garbage": (b"\x00\xff: [", RUN),
    "resume_where_overrides_are_a_number": (b"5", RUN),
    "resume_where_overrides_make_a_class": (["+data._target_=os.mkdir"], RUN),
    "resume_without_hydra_yaml": (["max_epochs=1"], None),
    "resume_where_hydra_yaml_is_garbage": (["max_epochs=1"], b"[[["),
    "resume_where_hydra_yaml_says_nothing": (["max_epochs=1"], {"a": 1}),
    "resume_where_overrides_hang_on_one_another": (b"a: &a [*a]", RUN),
}
cases({name: lambda here, given=given: run_directory(here, *given) for name, given in RESUMED.items()})
