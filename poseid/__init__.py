"""poseid: take the head pose out of face vectors, and prove on people never seen that it helped."""

__version__ = "0.1.0"
