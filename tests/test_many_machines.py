"""docs/many-machines.md is true: its Ray script runs, and two workers give the bytes that one gives."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from poseid import cli
from poseid.features.folder import write_folder
from poseid.features.synthetic import synthetic

PAGE = Path(__file__).parents[1] / "docs" / "many-machines.md"
SHARDS = 5


@pytest.mark.ray
def test_two_workers_give_the_bytes_of_one(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    import pyarrow as pa
    import pyarrow.parquet as pq

    features = synthetic(people=30, probes=8, seed=1, dim=64)
    write_folder(features, tmp_path / "data")
    assert cli.main(["baseline", "ridge", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "MODEL")]) == 0
    (tmp_path / "shards").mkdir()
    for shard, rows in enumerate(np.array_split(np.arange(len(features.video)), SHARDS)):
        vectors = features.video.features[rows]
        columns = {"photo": rows, "features": pa.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1])}
        pq.write_table(pa.table(columns), tmp_path / "shards" / f"{shard}.parquet")
    (script,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    written = []
    for workers in (1, 2):
        (tmp_path / "script.py").write_text(f"import ray\nray.init(num_cpus={workers})\n{script}", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        assert f"{SHARDS} of {SHARDS} shards are enhanced; failed: []" in done.stdout, done.stderr
        out = tmp_path / "enhanced"
        written.append({path.name: path.read_bytes() for path in out.glob("*.parquet")})
        out.rename(tmp_path / f"enhanced{workers}")
    assert len(written[0]) == SHARDS
    assert written[0] == written[1]
    raw = pq.read_table(tmp_path / "shards")["features"].combine_chunks().flatten().to_numpy()
    enhanced = pq.read_table(tmp_path / "enhanced1")["features"].combine_chunks().flatten().to_numpy()
    assert raw.shape == enhanced.shape
    assert not np.array_equal(raw, enhanced)
