# VERSION is the version to build
ARG VERSION=1
# not about it
ARG OTHER

# build compiles
# check=skip=all
FROM scratch AS build
# A first thing
# B second thing
ARG A=1 B
#
ARG C
