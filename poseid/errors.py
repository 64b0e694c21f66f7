"""The one exception for bad input: what a user gave is wrong, and one line says what and what to do."""


class InputError(ValueError):
    """Bad input or a bad call. The message is one line that names the file, the row or the key.

    Commands print it on stderr and end with exit status 2; it never appears as a traceback.
    """
