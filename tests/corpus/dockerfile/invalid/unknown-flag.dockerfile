FROM scratch
COPY \
  --chonw=1 a b
