"""The one exception for bad input, where one line says what is wrong and what to do; and one line of any error."""


class InputError(ValueError):
    """Bad input or a bad call. The message is one line that names the file, the row or the key.

    Commands print it on stderr and end with exit status 2; it never appears as a traceback.
    """


def shortened(text: str, longest: int = 240) -> str:
    """A text in one line; of a long one the beginning and the end, where libraries give their reason.

    >>> shortened("a reason " + "x" * 300 + " in the end", 30)
    'a reason xxxx … xx in the end'
    """
    line = " ".join(text.split())
    half = (longest - 3) // 2
    return line if len(line) <= longest else f"{line[:half]} … {line[-half:]}"


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its type where it has none.

    >>> first_line(OSError("no network\\nin detail")), first_line(KeyError())
    ('no network', 'KeyError')
    """
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
