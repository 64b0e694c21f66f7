"""Reports: what was measured, as pages, figures, text tables and Markdown.

Everything here renders summaries (the contents of `summary.json` and its kin) and measures nothing. `templates` holds
the pages and their one style sheet; `format` holds the one way to write each kind of number.
"""
