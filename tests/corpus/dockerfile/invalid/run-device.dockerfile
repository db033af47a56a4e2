FROM scratch
RUN --device=a,name=b x
