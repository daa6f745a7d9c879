import { UpgradeType } from '../metadata/feature-operations.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { UpdateFeatures, type UpdateFeaturesResponse } from '../protocol/generated/update-features.ts'
import { handler } from './handler.ts'

/**
 * UpdateFeatures (key 57, KIP-584): has the cluster agree on levels of features. 0 can only say whether a lower level is allowed, 1
 * says how a level moves and can rehearse, 2 answers all features at once.
 */
export const updateFeatures = handler(
  UpdateFeatures,
  async ({ featureUpdates, validateOnly }, { broker, apiVersion }): Promise<UpdateFeaturesResponse> => {
    const updates = featureUpdates.map(({ feature, maxVersionLevel, allowDowngrade, upgradeType }) => ({
      feature,
      level: maxVersionLevel,
      upgradeType:
        apiVersion > 0 ? upgradeType : allowDowngrade ? UpgradeType.SAFE_DOWNGRADE : UpgradeType.UPGRADE,
    }))
    try {
      await broker.controller.updateFeatures(updates, { validateOnly })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { throttleTimeMs: 0, errorCode: error.code, errorMessage: error.message, results: [] }
    }
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      results: updates.map(({ feature }) => ({ feature, errorCode: ErrorCode.NONE, errorMessage: null })),
    }
  },
)
