"""What kind of picture some bytes are, and whether they are all there: headers are not believed."""

PNG = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff"
JPEG_END = b"\xff\xd9"


def media_type(data: bytes) -> str | None:
    """`image/png` or `image/jpeg` for a picture from its beginning to its end; None otherwise."""
    if data.startswith(PNG) and data.endswith(PNG_END):
        return "image/png"
    if data.startswith(JPEG) and data.endswith(JPEG_END):
        return "image/jpeg"
    return None
