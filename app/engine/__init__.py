"""The engine process: wire, supervisor, scheduler, and the backends with the native code."""
