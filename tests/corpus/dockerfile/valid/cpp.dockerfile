FROM debian:12-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ cmake ninja-build \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt ./
COPY src/ src/
RUN cmake -G Ninja -B /build && ninja -C /build

FROM debian:12-slim AS test
COPY --from=build /build/tests /tests
RUN /tests/all

FROM gcr.io/distroless/cc@sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d
COPY --link --from=build /build/app /usr/local/bin/app
ENTRYPOINT ["/usr/local/bin/app"]
