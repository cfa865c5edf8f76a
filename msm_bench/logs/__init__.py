"""From Inspect logs of any task to the result frame."""

from msm_bench.logs.alike import ALLOW
from msm_bench.logs.columns import FIXED, KEYED, Columns, about_log, about_sample
from msm_bench.logs.find import finished_logs, log_files, read_log
from msm_bench.logs.notes import frame_notes
from msm_bench.logs.rows import Loaded, frame_from_logs, read_logs

__all__ = [
    "ALLOW",
    "FIXED",
    "KEYED",
    "Columns",
    "Loaded",
    "about_log",
    "about_sample",
    "finished_logs",
    "frame_from_logs",
    "frame_notes",
    "log_files",
    "read_log",
    "read_logs",
]
