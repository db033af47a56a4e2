FROM scratch
RUN true
RUN <<EOF
a
b
