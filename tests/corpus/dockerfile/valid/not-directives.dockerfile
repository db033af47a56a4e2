
# escape=`
# syntax=ignored
FROM scratch
RUN a \
  b
