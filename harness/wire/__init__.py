"""One transport each, one promise: an answer from a closed set, or unknown with its reason."""
