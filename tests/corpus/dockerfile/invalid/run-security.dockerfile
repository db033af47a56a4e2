FROM scratch
RUN --security=on x
