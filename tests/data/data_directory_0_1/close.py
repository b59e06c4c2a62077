def grade(sample, item):
    try:
        distance = abs(float(sample["output_text"]) - float(item["reference_answer"]))
    except ValueError:
        return 0.0
    return 1.0 / (1.0 + distance)
