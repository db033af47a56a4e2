FROM scratch
RUN true \
  && true

COPYY a b
