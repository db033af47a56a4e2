FROM scratch
COPY --parents= x y
