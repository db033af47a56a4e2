FROM scratch
RUN --network=nnone x
