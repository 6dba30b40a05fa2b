"""v5: v4, and images in its conversations."""

from app import v4
from app.v5.routers import images, vision

FEATURES = v4.FEATURES | {
    "regenerate": vision.regenerate_router,
    "vision": vision.router,
    "images": images.router,
}
