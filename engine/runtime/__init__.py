"""What is done to the process itself, one trick a file: why, how measured, which test notices that
it is not needed.
"""
