"""The steps of the schema, in the order their names say; a released one never changes."""
