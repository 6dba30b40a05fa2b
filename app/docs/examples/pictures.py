"""The picture of the examples: a red circle, 64 by 64, as a PNG in base64."""

CIRCLE = (
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAABAAQMAAACQp+OdAAAABlBMVEX/////AADrWueTAAAAc0lEQVR42s3QsQ3C"
    "QAwF0HcWQikosgEZhVHYhIyWUTLClSmimOIKLjUF/Mp6tpvPr3OvCDxvDUpmkysLwcBEMDISTAwEDy7tvf2SZHwk"
    "lOadBMy9fDUU5UDpV4k8H88cZ1nYCVY2gkol2Fi7NuC19439Sd7MkxgETya+YQAAAABJRU5ErkJggg=="
)
