"""Byte counts in words for people."""


def human_bytes(count: int) -> str:
    """Decimal units, as disks and download pages give them: "98.4 MB"."""
    if count < 1000:
        return f"{count} bytes"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"
