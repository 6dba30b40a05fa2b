"""Request and response schemas that v2 adds: the events of a stream."""
