FROM scratch
ENV NAME
