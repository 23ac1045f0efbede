// Exists to own the precompiled header that the tests beside it reuse.
