FROM scratch
VOLUME [" "]
