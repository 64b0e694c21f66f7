"""Reading what a multirun left: its jobs, what their settings make of the figures, and what to run next.

Knows no model: everything comes from the files of the runs, and of those from the validation people alone.
"""
