# syntax=docker/dockerfile:1
ARG VERSION=12 MIRROR
FROM --platform=$BUILDPLATFORM debian:${VERSION} AS build
MAINTAINER Ann Example <ann@example.org>
LABEL org.example.name="a tool" org.example.version=1 \
      org.example.note='single "inside"'
LABEL legacy the rest of the line
ENV A=1 B="two words" C=three\ words D='$A' E=$A
ENV LEGACY  all of   this
ARG PREFIX=/usr/local DEBUG
WORKDIR /src
WORKDIR relative
USER builder:staff
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN make -j"$(nproc)" PREFIX=$PREFIX
RUN ["make", "install"]
EXPOSE 80 443/tcp 53/udp 8000-8010 $PORT
VOLUME /data /var/lib/x
VOLUME ["/with blank", "/b"]
STOPSIGNAL SIGRTMIN+3
HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=10s --start-interval=2s --retries=5 CMD curl -f http://localhost/
HEALTHCHECK CMD ["/check", "--all"]
HEALTHCHECK NONE
ONBUILD COPY . /app
ONBUILD RUN ["make"]
COPY a b /dest/
ADD x.tar.gz /
FROM scratch
COPY --from=build /out /
CMD ["/tool"]
ENTRYPOINT exec /tool
