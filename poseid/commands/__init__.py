"""The subcommands of ``poseid``. Modules named like a command import nothing heavy until it runs."""
