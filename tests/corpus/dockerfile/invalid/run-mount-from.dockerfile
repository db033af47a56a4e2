FROM scratch
RUN --mount=from=$X,target=/a x
