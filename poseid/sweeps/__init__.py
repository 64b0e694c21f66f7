"""Reading what a multirun left: its jobs, how their settings compare, and what to run next.

Knows no model: everything comes from the files of the runs, and of those from the validation people alone.
"""
